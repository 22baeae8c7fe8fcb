import type { CertificateFiles } from './certificate.js'

export interface ConfigOptions {
  address: string
  storage: 'inmem' | 'raft'
  storageDirectory: string
  port: number
  clusterPort: number
  certificate: CertificateFiles | undefined
  pluginDirectory: string
}

/** What `vault server -config` reads, as JSON. */
export function createConfig(options: ConfigOptions) {
  const { address, storage, storageDirectory, port, clusterPort, certificate, pluginDirectory } = options
  return {
    storage:
      storage === 'raft'
        ? // The multiplier shortens the election that a new server holds with itself, from 8 s to 1.
          { raft: { path: storageDirectory, node_id: 'one', performance_multiplier: '1' } }
        : { inmem: {} },
    listener: {
      tcp: {
        address: `127.0.0.1:${port}`,
        cluster_address: `127.0.0.1:${clusterPort}`,
        ...(certificate
          ? { tls_cert_file: certificate.certPath, tls_key_file: certificate.keyPath }
          : { tls_disable: true }),
      },
    },
    cluster_name: 'test',
    api_addr: address,
    cluster_addr: `https://127.0.0.1:${clusterPort}`,
    plugin_directory: pluginDirectory,
    // Locked memory is a privilege, and raft wants the choice spelt out.
    disable_mlock: true,
    // Only at this level does the kubernetes plugin say why it refused a login.
    log_level: 'debug',
  }
}
