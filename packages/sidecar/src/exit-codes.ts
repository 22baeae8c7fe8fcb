/** What the process says to whoever started it: the same numbers as the command line's. */
export const EXIT = {
  /** Stopped by SIGTERM or SIGINT, with every request finished. */
  ok: 0,
  /** A listener cannot bind, or connections had to be cut when the time to stop was over. */
  failed: 1,
  /** The command line, the environment or the file cannot be used. */
  usage: 2,
  /** `EX_SOFTWARE` of sysexits.h: a bug in this program. */
  internal: 70,
  /** 128 and the signal's number: a second signal ended the process at once. */
  SIGINT: 130,
  SIGTERM: 143,
} as const
