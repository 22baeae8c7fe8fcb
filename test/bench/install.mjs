/** How much an installation of core and fetch brings. */
import { createConsumer, installedSize } from '../check/support/consumer-project.mjs'
import { packAll } from '../check/support/pack.mjs'
import { atMost, count, megabytes, ratio } from './support/format.mjs'
import { findPeer } from './support/peers.mjs'
import { compare } from './support/table.mjs'

const GOAL_PACKAGES = 10
const OURS = ['@projected-token/core', '@projected-token/fetch']
const PEERS = ['@kubernetes/client-node', '@azure/identity']

export const install = {
  name: 'install',
  about: 'packages and bytes that installing core and fetch brings',
  async run({ progress }) {
    progress('packing and installing')
    const packages = (await packAll()).filter(({ manifest }) => OURS.includes(manifest.name))
    const ours = await installedSize(await createConsumer(packages))
    const peers = []
    for (const name of PEERS) {
      const { version, folder, reason } = await findPeer(name)
      peers.push({ name, version, reason, ...(folder && (await installedSize(folder))) })
    }
    return report(ours, peers)
  },
}

function report(ours, peers) {
  const against = (field, format) =>
    peers.map(({ name, version, reason, ...size }) =>
      reason
        ? { baseline: `${name}: ${reason}` }
        : { baseline: `${name} ${version} ${format(size[field])}`, ratio: ratio(ours[field] / size[field]) },
    )
  const [first, ...others] = against('packages', count)
  const goal = { goal: `≤ ${GOAL_PACKAGES}`, result: atMost(ours.packages, GOAL_PACKAGES) }
  return {
    rows: [
      ...compare('packages installed with core and fetch', count(ours.packages), [
        { ...first, ...goal },
        ...others,
      ]),
      ...compare('their size', megabytes(ours.bytes), against('bytes', megabytes)),
    ],
    notes: [],
    data: { ours, peers },
  }
}
