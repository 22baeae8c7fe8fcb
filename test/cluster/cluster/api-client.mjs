/** Kubernetes' API, by paths and JSON. */
import { Agent, request as send } from 'undici'
import { StageFailure } from '../../check/support/run-stages.mjs'

const NAMESPACE = '/api/v1/namespaces/default'

export function createApiClient({ url, ca, token }) {
  const dispatcher = new Agent({ connect: { ca } })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }

  /** @returns { status, body }, whatever the status */
  async function request(method, path, content) {
    const body = content === undefined ? undefined : JSON.stringify(content)
    const answer = await send(url + path, { method, headers, body, dispatcher })
    const text = await answer.body.text()
    const isJson = answer.headers['content-type']?.includes('json')
    return { status: answer.statusCode, body: isJson ? JSON.parse(text) : text }
  }

  async function must(method, path, content, allowed = []) {
    const { status, body } = await request(method, path, content)
    if (status < 300 || allowed.includes(status)) return body
    throw new StageFailure(`${method} ${path} was answered with ${status}: ${body.message ?? body}`)
  }

  return {
    url,
    ca,
    token,
    request,
    must,
    create: (kind, object) => must('POST', `${NAMESPACE}/${kind}`, object),
    get: (kind, name) => must('GET', `${NAMESPACE}/${kind}/${name}`),
    /** Of a pod; 0 is by force: it is gone from the API before it is gone from the node. */
    remove: (kind, name, gracePeriodSeconds) =>
      must('DELETE', `${NAMESPACE}/${kind}/${name}`, { gracePeriodSeconds }, [404]),
    exists: async (kind, name) => (await request('GET', `${NAMESPACE}/${kind}/${name}`)).status === 200,
    close: () => dispatcher.destroy(),
  }
}
