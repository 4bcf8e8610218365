import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Rejection } from '#libs/contracts';
import type { CollectionMethod, JsonObject } from '#libs/profiles';
import { ListRequest } from '../lists/list.request.js';
import { type ListAnswer, requestedPage } from '../lists/requested-page.js';
import { CursorSeal } from '../lists/sealed-cursor.js';
import { publicPath } from '../products/product-path.js';
import { productOf } from '../products/product.hook.js';
import { UsesKeyFor, verifiedKeyOf } from '../verification/verified-request.hook.js';
import { versionOf } from '../versions/api-version.hook.js';
import {
  assertParent,
  changeDocument,
  createDocument,
  listOf,
  type MetCollection,
  readDocument,
  removeDocument,
} from './document-commands.js';
import { documentResourceOf } from './document-resource.js';
import { Documents } from './documents.js';
import { UpgradedDocuments } from './upgraded-documents.js';
import { WrittenForms } from './written-forms.js';

/** One collection below the base path, or one that lies in a document of another. */
const LISTS = [':collection', ':parent/:parentId/:collection'];
const DOCUMENTS = LISTS.map((path) => `${path}/:id`);

/** Documents of whatever collections a product declares. The OpenAPI document of each product describes its own. */
@ApiExcludeController()
@Controller('v1/collections')
export class CollectionsController {
  constructor(
    private readonly documents: Documents,
    private readonly forms: WrittenForms,
    private readonly cursors: CursorSeal,
  ) {}

  @Get(LISTS)
  @UsesKeyFor('resources')
  async list(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Query() query: ListRequest,
  ): Promise<ListAnswer<JsonObject>> {
    const met = this.meet(request, reply, 'GET');
    const { collection, owner, parentId } = met;
    const list = {
      name: [owner.tenantId, owner.environment, collection.name, parentId ?? ''],
      isSearched: collection.search.length > 0,
    };
    const page = requestedPage(productOf(request), list, query, this.cursors);
    return this.documentsOf(request).of(owner, async (owned) => {
      await assertParent(owned, met);
      const found = await owned.page(listOf(met), page);
      if (found === undefined) return page.refuseStart();
      return page.answered(
        found.documents.map((document) => documentResourceOf(met, document)),
        found,
      );
    });
  }

  @Post(LISTS)
  @UsesKeyFor('resources')
  async create(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body() body: unknown,
  ): Promise<JsonObject> {
    const met = this.meet(request, reply, 'POST');
    const document = await createDocument(this.documentsOf(request), met, body);
    const [path = ''] = (request.raw.url ?? '').split('?', 1);
    reply.header('location', publicPath(productOf(request), `${path}/${document.id}`));
    return documentResourceOf(met, document);
  }

  @Get(DOCUMENTS)
  @UsesKeyFor('resources')
  async read(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Param('id') id: string,
  ): Promise<JsonObject> {
    const met = this.meet(request, reply, 'GET');
    return documentResourceOf(met, await readDocument(this.documentsOf(request), met, idOf(id)));
  }

  @Patch(DOCUMENTS)
  @UsesKeyFor('resources')
  async change(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Param('id') id: string,
    @Body() body: unknown,
  ): Promise<JsonObject> {
    const met = this.meet(request, reply, 'PATCH');
    return documentResourceOf(met, await changeDocument(this.documentsOf(request), met, idOf(id), body));
  }

  @Delete(DOCUMENTS)
  @HttpCode(204)
  @UsesKeyFor('resources')
  async remove(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Param('id') id: string,
  ): Promise<void> {
    const met = this.meet(request, reply, 'DELETE');
    await removeDocument(this.documentsOf(request), met, idOf(id));
  }

  /** Rejects with NOT_FOUND where the product has no such collection there, with METHOD_NOT_ALLOWED where it has. */
  private meet(request: FastifyRequest, reply: FastifyReply, method: CollectionMethod): MetCollection {
    const { parent, parentId, collection: name } = request.params as Record<string, string | undefined>;
    const product = productOf(request);
    const collection = product.collections.find(
      (each) => each.name === name && (each.parent?.collection ?? undefined) === parent,
    );
    if (collection === undefined) throw new Rejection('NOT_FOUND');
    if (!collection.methods.includes(method)) {
      reply.header('allow', collection.methods.join(', '));
      throw new Rejection('METHOD_NOT_ALLOWED');
    }
    const key = verifiedKeyOf(request);
    if (key === undefined) throw new Error('the request was not verified');
    return {
      collection,
      owner: { tenantId: key.tenantId, environment: key.environment },
      parentId: parentId === undefined ? null : idOf(parentId),
      form: this.forms.of(product, collection, versionOf(request)),
      newest: product.versions?.dated.at(-1)?.date ?? null,
    };
  }

  private documentsOf(request: FastifyRequest): Documents {
    return new UpgradedDocuments(this.documents, productOf(request).versions?.dated ?? []);
  }
}

/** What cannot be an id of ours names nothing. */
function idOf(text: string): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(text)) throw new Rejection('NOT_FOUND');
  return text;
}
