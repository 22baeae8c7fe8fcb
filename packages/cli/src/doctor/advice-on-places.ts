import { type Advice, KUBERNETES } from './advice.js'

const PROJECTED = `${KUBERNETES}concepts/storage/projected-volumes/#serviceaccounttoken`
const OWNERSHIP = `${KUBERNETES}concepts/storage/projected-volumes/#securitycontext-interactions`
const INOTIFY = 'https://man7.org/linux/man-pages/man7/inotify.7.html'
const NO_TOKEN = 'Without a token every request is refused, or is sent as nobody.'

/** On where a token lies, who may read it, and whether its changes are seen. */
export const ADVICE_ON_PLACES: Readonly<Record<string, Advice>> = {
  ERR_TOKEN_NOT_FOUND: {
    why: NO_TOKEN,
    remedy: 'Mount a projected volume with a serviceAccountToken source in this container.',
    docs: PROJECTED,
  },
  ERR_TOKEN_NOT_A_FILE: {
    why: NO_TOKEN,
    remedy: "Give the path of the token's file: the volume's mountPath and the source's path.",
    docs: PROJECTED,
  },
  ERR_TOKEN_UNREADABLE: {
    why: NO_TOKEN,
    remedy:
      "Set fsGroup in the pod's securityContext (the file becomes 0640), or one runAsUser for all containers.",
    docs: OWNERSHIP,
  },
  ERR_TOKEN_EMPTY: {
    why: NO_TOKEN,
    remedy:
      'A kubelet writes no empty file: look at what writes this one. It is to write a new file and rename it.',
    docs: PROJECTED,
  },
  ERR_TOKEN_MALFORMED: {
    why: 'A server refuses what is not one whole token.',
    remedy:
      'A kubelet replaces the file in one step: look at what writes this one. It is to write a new file and rename it.',
    docs: PROJECTED,
  },
  ERR_TOKEN_TOO_LARGE: {
    why: 'No server accepts a header of that size, and no client reads such a file.',
    remedy: "Give the path of the token's file.",
    docs: PROJECTED,
  },
  NEVER_UPDATED: {
    why: 'The token works until it expires, and is never replaced.',
    remedy: 'Mount the whole volume, without subPath.',
    docs: `${KUBERNETES}concepts/storage/projected-volumes/`,
  },
  REPLACED_MEANWHILE: {
    why: 'This proves that the mount does not follow the rotation: the token here is an old one.',
    remedy:
      'Mount the whole volume, without subPath. A restart of the container brings one newer token, once.',
    docs: `${KUBERNETES}concepts/storage/projected-volumes/`,
  },
  NOT_PROJECTED: {
    why: 'No kubelet replaces it: it expires unless something else does.',
    remedy:
      'Mount a projected volume, or make sure that something replaces the file before the token expires.',
    docs: PROJECTED,
  },
  WORLD_READABLE: {
    why: 'Every process of the container can act as the service account.',
    remedy: 'Set fsGroup (0640), or the same runAsUser for all containers (0600).',
    docs: OWNERSHIP,
    isNote: true,
  },
  INOTIFY_EXHAUSTED: {
    why: 'Rotations are found by timed reads alone; a program that only watches never finds one.',
    remedy: 'Raise the limit on the node, or find out who holds the watches.',
    docs: INOTIFY,
  },
  NO_WATCH: {
    why: 'Rotations are found by timed reads alone; a program that only watches never finds one.',
    remedy: 'Use a program that reads the file again by time, as the library does.',
    docs: INOTIFY,
  },
  DEAD_WATCH: {
    why: 'A program that only watches never finds a rotation, and no error tells it.',
    remedy: 'Use a program that reads the file again by time, as the library does.',
    docs: INOTIFY,
  },
  SEVERAL_TOKENS: {
    why: 'A program that is given no path takes the default one, which may be for another audience.',
    remedy: 'Give each program the path of the token that is meant for it.',
    docs: PROJECTED,
    isNote: true,
  },
  CLOSED_FILES: {
    why: 'A token that its program may not read is no token. A file of a Secret may be closed on purpose.',
    remedy:
      "If it is a token, set fsGroup in the pod's securityContext (0640), or one runAsUser; doctor with its path says more.",
    docs: OWNERSHIP,
    isNote: true,
  },
  NOT_ALL_SEARCHED: {
    why: 'A token that lies there may be missing in this report.',
    remedy: "Give the path of the token's file instead of --pod.",
    docs: PROJECTED,
    isNote: true,
  },
  NO_TOKEN_MOUNTED: {
    why: NO_TOKEN,
    remedy:
      'Mount a projected volume with a serviceAccountToken source, or remove automountServiceAccountToken: false.',
    docs: PROJECTED,
  },
}
