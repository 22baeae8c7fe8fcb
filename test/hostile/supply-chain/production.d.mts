export interface Published {
  readonly folder: string
  readonly files: readonly string[]
  readonly manifest: {
    readonly name: string
    readonly license?: string
    readonly files?: readonly string[]
    readonly scripts?: Readonly<Record<string, string>>
    readonly dependencies?: Readonly<Record<string, string>>
  }
}
export interface Dependency {
  readonly place: string
  readonly name: string
  readonly version: string
  readonly licence: string
  readonly lockedLicence: string | undefined
  readonly hasInstallScript: boolean
  readonly resolved: string | undefined
  readonly integrity: string | undefined
  readonly neededBy: readonly string[]
}
export function publishedPackages(): Promise<readonly Published[]>
export function productionDependencies(): Promise<readonly Dependency[]>
