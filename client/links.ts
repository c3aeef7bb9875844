/** Where a person sees the run in the Web UI. */
export function addressOf(uiUrl: string, namespace: string, run: { workflowId: string; runId: string }): string {
  const parts = ['namespaces', namespace, 'workflows', run.workflowId, run.runId].map(encodeURIComponent);
  return `${uiUrl.replace(/\/+$/, '')}/${parts.join('/')}`;
}
