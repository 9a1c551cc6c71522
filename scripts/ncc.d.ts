// What of ncc's interface the build uses; the package has no types.

declare module '@vercel/ncc' {
  export default function ncc(
    entry: string,
    options: {
      readonly esm: boolean
      readonly cache: boolean
      readonly license: string
      readonly quiet: boolean
      readonly externals: Readonly<Record<string, string>>
    },
  ): Promise<{
    readonly code: string
    readonly assets: Readonly<Record<string, { readonly source: string | Buffer }>>
  }>
}
