// Compares the type of each operation's request with the SDK's at compile time: an update of the SDK that adds, removes or
// changes a field, at any depth, fails the build here and names the operation. Nothing here runs.

import type { billingOperations } from '../../src/operations/billing.ts'
import type { OperationName } from '../../src/operations/catalogue.ts'
import type { PathParameter } from '../../src/operations/definition.ts'
import type { experimentationOperations } from '../../src/operations/experimentation.ts'
import type { installationOperations } from '../../src/operations/installation.ts'
import type { resourceOperations } from '../../src/operations/resources.ts'
import type { ssoOperations } from '../../src/operations/sso.ts'
import type { Infer } from '../../src/payload/schema.ts'

type Ours = typeof billingOperations &
  typeof experimentationOperations &
  typeof installationOperations &
  typeof resourceOperations &
  typeof ssoOperations
type OurBody<N extends OperationName> = Ours[N] extends { readonly body: infer S } ? Infer<S> : undefined

/** The SDK's own function for an operation. */
type Sdk = { [N in OperationName]: Awaited<ReturnType<Ours[N]['sdkFunction']>> }
type SdkRequest<N extends OperationName> = NonNullable<Parameters<Sdk[N]>[1]>
/** The request of an operation without path parameters is its body. */
type SdkBody<N extends OperationName> = N extends 'exchangeSsoToken'
  ? SdkRequest<N>
  : SdkRequest<N> extends { requestBody?: infer B }
    ? 'requestBody' extends keyof SdkRequest<N>
      ? NonNullable<B>
      : undefined
    : undefined

/** The one difference: `null` removes a notification, which the API documents and the SDK's types lack. */
type ClearsNotification = 'updateInstallation' | 'updateResource'
type WithNull<T> = { [K in keyof T]: K extends 'notification' ? T[K] | null : T[K] }
type Expected<N extends OperationName> = N extends ClearsNotification ? WithNull<SdkBody<N>> : SdkBody<N>

/** Whether two types are identical, not only assignable to each other: an additional optional field is a difference. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

type Differing = { [N in OperationName as Same<OurBody<N>, Expected<N>> extends true ? never : N]: never }
type OtherParameters<N extends OperationName> = Exclude<keyof SdkRequest<N>, PathParameter | 'requestBody'>
type Unsupported = {
  [N in Exclude<OperationName, 'exchangeSsoToken'> as OtherParameters<N> extends never ? never : N]: never
}

/** The compiler's "missing properties" are the operations whose bodies are not the SDK's. */
export const differing: Differing = {}
/** The same for requests with parameters that are neither in the path nor in the body. */
export const unsupported: Unsupported = {}
