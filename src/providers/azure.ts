// Azure OpenAI: where its addresses differ from OpenAI's.
//
// Two APIs: the v1 API (`{resource}/openai/v1`, the deployment's name in the body, no dated version) and the older one
// (`{resource}/openai/deployments/{deployment}/…?api-version=…`). A configured version chooses the older one.
// https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle

/** The calls that belong to a deployment; all others (responses, models) stand directly under /openai. */
const DEPLOYMENT_PATHS: ReadonlySet<string> = new Set(['/chat/completions', '/completions', '/embeddings']);
const V1_BASE = /\/openai\/v1$/;
const DEPLOYMENT_BASE = /\/openai\/deployments\/[^/]+$/;

/** A resource's address as its API's base: `https://x.openai.azure.com` → `…/openai/v1`, or `…/openai` with a version. */
export function azureBaseUrl(baseUrl: string, apiVersion: string | undefined): string {
  if (V1_BASE.test(baseUrl) || DEPLOYMENT_BASE.test(baseUrl)) return baseUrl;
  const resource = baseUrl.replace(/\/openai$/, '');
  return apiVersion === undefined ? `${resource}/openai/v1` : `${resource}/openai`;
}

/** The dated version to send; the v1 API takes none. */
export function azureVersionFor(baseUrl: string, apiVersion: string | undefined): string | undefined {
  return V1_BASE.test(baseUrl) ? undefined : apiVersion;
}

/** `path` begins with a slash and has no version segment. */
export function azureUrl(baseUrl: string, path: string, model: string, apiVersion: string): string {
  const isOfDeployment = DEPLOYMENT_PATHS.has(path.split('?')[0] ?? path);
  const isDeploymentGiven = DEPLOYMENT_BASE.test(baseUrl);
  const deployment =
    isOfDeployment && !isDeploymentGiven ? `/deployments/${encodeURIComponent(model.toWellFormed())}` : '';
  const base = isOfDeployment ? baseUrl : baseUrl.replace(/\/deployments\/[^/]+$/, '');
  const separator = path.includes('?') ? '&' : '?';
  return `${base}${deployment}${path}${separator}api-version=${encodeURIComponent(apiVersion)}`;
}
