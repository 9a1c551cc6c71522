// Opens what a batch reads: its tokens and its file. Both may be encrypted.

import { loadTokens, type TokenInputs } from '../credentials/tokens.ts'
import { plainTokensWarning } from '../credentials/tokens-file-content.ts'
import type { CutProblem } from '../cut-variables.ts'
import type { Diagnostic } from '../failure.ts'
import { quotePath } from '../format.ts'
import type { Operation } from '../operations/operation.ts'
import { requestShape } from '../operations/request.ts'
import { notEncrypted } from '../payload/age-key.ts'
import { startCheck } from '../payload/check.ts'
import { type BatchFile, openBatchFile } from './records/batch-file.ts'

export interface FileInputs extends TokenInputs {
  readonly operation: Operation
  /** Path of the batch file, as the step gives it. */
  readonly path: string
  /** For installations that `tokens` and `tokensFile` do not have. */
  readonly token: string | undefined
  readonly externalId: string
  /** Path of the file in which a rotation stores the new tokens. */
  readonly newTokensFile: string | undefined
}

/** What the files, and the references in them, are read from. */
interface FileSources {
  readonly env: NodeJS.ProcessEnv
  /** Set on systems that can pass on a variable in part. */
  readonly cutProblem?: CutProblem | undefined
  readonly workspace: string
  /** The time of the check. */
  readonly now: () => Date
}

/**
 * Opens the files of a batch.
 *
 * @returns the batch file, and warnings about files that are not encrypted although there is a key
 * @throws {Failure} if a file cannot be read, or the tokens contain errors
 */
export async function openFiles(
  inputs: FileInputs,
  { env, cutProblem, workspace, now }: FileSources,
): Promise<{ readonly file: BatchFile; readonly warnings: readonly Diagnostic[] }> {
  const { tokens, warnings } = await loadTokens(inputs, workspace, cutProblem)
  const { file, isEncrypted } = await openBatchFile(workspace, inputs.path, inputs.tokensKey, {
    context: {
      shape: requestShape(inputs.operation),
      tokens,
      defaultToken: inputs.token,
      externalId: inputs.externalId,
    },
    newCheck: () => startCheck(env, workspace, now(), cutProblem),
  })
  return { file, warnings: [...warnings, ...keyWarnings(inputs, isEncrypted, workspace)] }
}

/** A batch file may be plain beside a key, but then another file must need the key. */
function keyWarnings(
  { path, tokensFile, newTokensFile, tokensKey }: FileInputs,
  isEncrypted: boolean,
  workspace: string,
): Diagnostic[] {
  if (!tokensKey) return []
  if (newTokensFile !== undefined) {
    const message = plainTokensWarning(workspace, newTokensFile)
    return message === undefined ? [] : [{ message }]
  }
  return isEncrypted || tokensFile !== undefined ? [] : [{ message: notEncrypted(`the batch file ${quotePath(path)}`) }]
}
