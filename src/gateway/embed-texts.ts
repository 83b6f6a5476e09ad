// Embeddings that the node itself asks for, on behalf of a tenant: through the same chains and into the same ledger as
// those of clients.

import { toGatewayError } from '../errors.ts';
import type { StopSignal } from '../ports.ts';
import { ANONYMOUS } from '../tenancy/principal.ts';
import { handleEmbeddings } from './operations.ts';
import type { PipelineDeps } from './pipeline.ts';
import { settleAccount } from './settle.ts';
import { RequestTrace } from './trace.ts';

export interface EmbedTexts {
  readonly model: string;
  readonly tenant: string;
  readonly texts: readonly string[];
  readonly signal: StopSignal;
}

const NO_KEYS: ReadonlyMap<string, string> = new Map();

/**
 * One vector a text, in order.
 * @param onTrace called when it has ended, for log and metrics
 * @throws GatewayError when no target answered
 */
export async function embedTexts(
  { model, tenant, texts, signal }: EmbedTexts,
  pipeline: PipelineDeps,
  onTrace: (trace: RequestTrace) => void,
): Promise<readonly (readonly number[])[]> {
  const { clock, random } = pipeline;
  const trace = new RequestTrace(random.uuid(), 'embeddings', clock.elapsed());
  const context = {
    trace,
    principal: { ...ANONYMOUS, tenant },
    ownKeys: NO_KEYS,
    headers: () => ({}),
    isExplained: false,
    signal,
  };
  try {
    const { vectors } = await handleEmbeddings({ model, inputs: texts, encoding: 'float' }, context, pipeline);
    return vectors;
  } catch (thrown) {
    trace.errorCode = toGatewayError(thrown).code;
    throw thrown;
  } finally {
    settleAccount(trace, clock);
    onTrace(trace);
  }
}
