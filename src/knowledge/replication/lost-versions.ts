// Versions of documents that this node has written and nobody can have: its disk was replaced by an older copy before
// another node had asked for the texts. All have heard of such a version and wait for it; meanwhile they show an older
// one, which a node that comes new gets from nobody, as the change log knows it no more. So once every member has told
// what it shows, and none shows the lost one, the latest of those is written anew.

import { asNumber, type JsonObject } from '../../model/json.ts';
import type { Logger } from '../../ports.ts';
import { canonicalText, compareVersions } from '../../replication/change.ts';
import { type ChangeLog, newest } from '../../replication/change-log.ts';
import type { HeldChange } from '../../replication/change-table.ts';
import { DOCUMENT_KIND } from '../store/manifest.ts';
import { DOCUMENT_CAPABILITY } from './document-kind.ts';
import type { PassageFetcher } from './passage-fetcher.ts';
import type { PendingDocuments } from './pending-documents.ts';

export interface LostVersionsDeps {
  readonly log: ChangeLog;
  readonly pending: PendingDocuments;
  readonly fetcher: Pick<PassageFetcher, 'fetchShown'>;
  readonly logger: Logger;
}

export class LostVersions {
  readonly #deps: LostVersionsDeps;

  constructor(deps: LostVersionsDeps) {
    this.#deps = deps;
  }

  /**
   * Only for versions of this node: whoever wrote it decides, or several nodes would.
   * @param held the version whose texts could not be had just now
   */
  async replace(document: string, held: HeldChange): Promise<void> {
    const { log, pending, fetcher, logger } = this.#deps;
    if (!this.#mayWrite(log.origin)) return;
    const shown = await fetcher.fetchShown(document);
    if (!shown || shown.some(({ body }) => canonicalText(body) === held.body)) return;
    const good = shown.filter(({ peer, body }) => this.#mayWrite(peer) && this.#isValid(document, body));
    const [latest] = good.sort((a, b) => (asNumber(b.body.updatedAt) ?? 0) - (asNumber(a.body.updatedAt) ?? 0));
    if (!latest) return;
    log.database.transaction(() => {
      const now = newest(log.changes.byKey(DOCUMENT_KIND, document));
      if (!now || compareVersions(now, held) !== 0) return;
      log.put(DOCUMENT_KIND, document, latest.body);
      pending.add(document);
      logger.warn({ document }, 'texts that were written here are nowhere any more: the version before is good again');
    })();
  }

  #mayWrite(peer: string): boolean {
    return this.#deps.log.mayWrite(peer, DOCUMENT_KIND, DOCUMENT_CAPABILITY) === true;
  }

  #isValid(document: string, body: JsonObject): boolean {
    return this.#deps.log.kinds.get(DOCUMENT_KIND)?.isValid(document, body) === true;
  }
}
