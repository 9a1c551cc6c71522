// Reads what a step has written to the file of GITHUB_OUTPUT.

/**
 * The outputs of a step, as @actions/core writes them: with a delimiter around each value, and CRLF on Windows.
 * See https://docs.github.com/actions/reference/workflow-commands-for-github-actions#multiline-strings
 */
export function readStepOutputs(text: string): Readonly<Record<string, string>> {
  const outputs = text.replaceAll('\r\n', '\n').matchAll(/^(.+?)<<(\S+)\n(?:([\s\S]*?)\n)?\2$/gm)
  return Object.fromEntries([...outputs].map(([, name = '', , value = '']) => [name, value]))
}
