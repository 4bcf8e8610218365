import type { Collection, Profile } from '#libs/profiles';
import { type WrittenForm, writtenForm } from './written-form.js';

/** The form of every collection in every version, made when it is first asked for. */
export class WrittenForms {
  private readonly forms = new WeakMap<Collection, Map<string | null, WrittenForm>>();

  /** `version` is the date of one of the product's; null where it has none. */
  of({ versions }: Pick<Profile, 'versions'>, collection: Collection, version: string | null): WrittenForm {
    const known = this.forms.get(collection) ?? new Map<string | null, WrittenForm>();
    this.forms.set(collection, known);
    const later = (versions?.dated ?? []).filter(({ date }) => version !== null && date > version);
    const form = known.get(version) ?? writtenForm(collection, later);
    known.set(version, form);
    return form;
  }
}
