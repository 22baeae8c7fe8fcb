/** What the process says to the script that started it. */
export const EXIT = {
  ok: 0,
  /** The answer is bad: a token that is invalid, expired or not the expected one; a refused request. */
  bad: 1,
  /** The command line cannot be understood. */
  usage: 2,
  /** `doctor`: 1 is a warning there and 2 a defect, so that what cannot be understood is `EX_USAGE` of sysexits.h. */
  doctorWarnings: 1,
  doctorBroken: 2,
  doctorUsage: 64,
  /** `vault exec` and `vault agent -- COMMAND` could not run the command: as env, timeout and docker have it. */
  notStarted: 125,
  /** … it may not be executed; … it was not found: as a shell has it. */
  notExecutable: 126,
  notFound: 127,
  /** `EX_SOFTWARE` of sysexits.h: a bug in this program. */
  internal: 70,
  /** 128 and the signal's number, as a shell has it. */
  SIGINT: 130,
  SIGTERM: 143,
} as const

/** The exit code of a command that was told to end. A reader that has read enough (`| head`) is no failure. */
export function exitCodeOf(signal: AbortSignal): number {
  if (signal.reason === 'SIGINT') return EXIT.SIGINT
  return signal.reason === 'SIGTERM' ? EXIT.SIGTERM : EXIT.ok
}

/** The end of every command's `--help`. */
export const EXIT_CODES_HELP =
  'Exit codes: 0 ok, 1 the answer is bad, 2 usage, 130 on Ctrl-C, 143 on SIGTERM.'
