import { Rejection } from '#libs/contracts';
import type { DatedVersion } from '#libs/profiles';
import { type DocumentOwner, Documents, type OwnedDocuments, type StoredDocument } from './documents.js';

/** The same documents, each read as the newest version has it, whichever it was written in. */
export class UpgradedDocuments extends Documents {
  constructor(
    private readonly documents: Documents,
    /** Of the product's API, oldest first; none: it has no versions. */
    private readonly dated: readonly DatedVersion[],
  ) {
    super();
  }

  override of<T>(owner: DocumentOwner, work: (documents: OwnedDocuments) => Promise<T>): Promise<T> {
    return this.documents.of(owner, (owned) =>
      work({
        find: async (list, id, lock) => {
          const found = await owned.find(list, id, lock);
          return found && this.upgraded(list.collection, found);
        },
        page: async (list, page) => {
          const found = await owned.page(list, page);
          return (
            found && {
              ...found,
              documents: found.documents.map((each) => this.upgraded(list.collection, each)),
            }
          );
        },
        add: (list, document) => owned.add(list, document),
        replace: (list, document) => owned.replace(list, document),
        remove: (list, id) => owned.remove(list, id),
      }),
    );
  }

  private upgraded(collection: string, document: StoredDocument): StoredDocument {
    const { version } = document;
    // Written by a replica that is newer than this one, which could neither show nor change it without a loss.
    if (version !== null && version > (this.dated.at(-1)?.date ?? version))
      throw new Rejection('UNAVAILABLE', [], 1);
    const body = this.dated
      .filter(({ date }) => version === null || date > version)
      .flatMap(({ changes }) => changes.filter((change) => change.collection === collection))
      .reduce((changed, step) => step.forward(changed, true), document.body);
    return body === document.body ? document : { ...document, body };
  }
}
