// Types for the part of ncc's API that the build uses. The package has no types of its own.

declare module '@vercel/ncc' {
  export default function ncc(
    entry: string,
    options: {
      readonly esm: boolean
      readonly cache: boolean
      readonly quiet: boolean
      readonly externals: Readonly<Record<string, string>>
    },
  ): Promise<{
    readonly code: string
    readonly assets: Readonly<Record<string, { readonly source: string | Buffer }>>
    readonly stats: { readonly compilation: { readonly modules: Iterable<import('./licenses.ts').BundledModule> } }
  }>
}
