export function bundle(entryPoint: string, outfile: string): Promise<string>
