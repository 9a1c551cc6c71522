// Simulates the commands of GitHub's CLI that the workflows use, as a program for the shells of a job.

import { join } from 'node:path'
import { writeFiles } from '../e2e/step.ts'
import type { ArtifactStore } from './artifacts.ts'

/** A run as the CLI lists it. */
export interface ListedRun extends ArtifactStore {
  /** The file name of its workflow. */
  readonly workflow: string
  readonly branch: string
  /** Its conclusion; undefined while it runs. */
  readonly conclusion: string | undefined
  /** When it was created, as a date. */
  readonly created: string
}

/** The program. It gets the runs as a table, newest last, and whether its token may read them. */
const program = (table: string, canRead: boolean) => `#!/bin/bash
LC_ALL=C
fail() { echo "$1" >&2; exit 1; }
given="$*"
words=()
while [ $# -gt 0 ]; do
  case $1 in
    --*) option=\${1#--}; printf -v "option_\${option//-/_}" %s "$2"; shift 2 ;;
    *) words+=("$1"); shift ;;
  esac
done
# Sets the variables of a run; fails if there is no such run.
find_run() {
  while IFS=$'\\t' read -r id workflow branch conclusion created artifacts; do
    if [ "$id" = "$1" ]; then return; fi
  done < '${table}'
  return 1
}
[ -n "$GH_TOKEN" ] || fail 'gh: To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable.'
${canRead} || fail 'gh: Resource not accessible by integration (HTTP 403)'
if [ "\${words[0]}" = run ] && [ "$option_repo" != octo-org/octo-repo ]; then fail 'no repository'; fi
case "\${words[*]}" in
  'run list')
    [ "$option_json $option_jq" = 'databaseId .[].databaseId' ] || fail 'not simulated'
    while IFS=$'\\t' read -r id workflow branch conclusion created artifacts; do
      [ "$workflow" = "$option_workflow" ] && [ "$branch" = "$option_branch" ] || continue
      if [ "$option_status" = success ]; then [ "$conclusion" = success ]; else [ "$conclusion" != - ]; fi || continue
      if [[ ">=$created" < "$option_created" ]]; then continue; fi
      found="$id"$'\\n'"$found"
    done < '${table}'
    printf %s "$found" | head -n "$option_limit"
    ;;
  'run download '*)
    find_run "\${words[2]}" && [ -d "$artifacts/$option_name" ] || fail 'no artifact matches any of the names or patterns provided'
    mkdir -p "$option_dir"
    cp -R "$artifacts/$option_name/." "$option_dir"
    ;;
  'api '*)
    [ "$option_method $option_jq" = 'GET .total_count' ] && [ "\${option_raw_field%%=*}" = name ] || fail 'not simulated'
    [[ "\${words[1]}" =~ ^repos/octo-org/octo-repo/actions/runs/([0-9]+)/artifacts$ ]] && find_run "\${BASH_REMATCH[1]}" ||
      fail 'gh: Not Found (HTTP 404)'
    if [ -e "$artifacts/\${option_raw_field#name=}" ]; then echo 1; else echo 0; fi
    ;;
  *) fail "not simulated: $given" ;;
esac
`

/** Installs the program in a folder for PATH. */
export function installGitHubCli(folder: string, runs: readonly ListedRun[], canRead: boolean): void {
  // A field must not be empty: the program reads the fields as words.
  const rows = runs.map(({ id, workflow, branch, conclusion = '-', created, artifacts }) =>
    [id, workflow, branch, conclusion, created, artifacts].join('\t'),
  )
  const table = join(folder, 'gh-runs')
  writeFiles(folder, { 'gh-runs': rows.map((row) => `${row}\n`).join(''), gh: program(table, canRead) })
}
