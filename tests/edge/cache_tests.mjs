// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * cache_tests: runs the public caching suite against a cache, and prints one line of JSON a test:
 * [id, kind, verdict].  Verdicts are those of the suite's own judge, which honours dependencies; a
 * test that never ends is "hang".
 *
 *     node cache_tests.mjs FOLDER BASE [ID]
 *
 * FOLDER is http-cache-tests of npm, or a checkout of github.com/http-tests/cache-tests.
 */
import fs from 'node:fs'

const [folder, base, only] = process.argv.slice(2)
const isNew = fs.existsSync(`${folder}/test-engine`)
const engine = isNew ? `${folder}/test-engine` : folder
const { makeCacheTest, makeTest, testResults } = await import(`${engine}/client/test.mjs`)
const config = await import(`${engine}/client/config.mjs`)
const { determineTestResult } = await import(`${engine}/lib/${isNew ? 'results' : 'display'}.mjs`)
const suites = (await import(`${folder}/tests/index.mjs`)).default
const AT_ONCE = 100
const HANG_MS = 30000

if (!isNew) config.setFetch((await import(`${folder}/../node-fetch/lib/index.mjs`)).default)
config.setBaseUrl(base)
config.setUseBrowserCache(false)

const tests = suites.flatMap(suite => suite.tests)
  .filter(test => !test.browser_only && (!only || test.id === only))
const beAlive = setInterval(() => {}, 1000) // a test that waits for a dead socket keeps nothing alive

function ends (test) {
  test.dump = Boolean(only)
  return Promise.race([(makeTest ?? makeCacheTest)(test), new Promise(resolve => setTimeout(() => {
    if (!(test.id in testResults)) testResults[test.id] = ['Hang', 'no end']
    resolve()
  }, HANG_MS).unref())])
}

for (let at = 0; at < tests.length; at += AT_ONCE) {
  await Promise.all(tests.slice(at, at + AT_ONCE).map(ends))
}
clearInterval(beAlive)
const words = { '✅': 'pass', 'Y': 'yes', 'N': 'no', '⛔️': 'fail', '⚠️': 'optional', '🔹': 'setup',
  '⁉️': 'harness', '⚪️': 'dependency', '↻': 'retry', '-': 'untested' }
for (const test of tests) {
  const symbol = determineTestResult(suites, test.id, testResults)[2]
  console.log(JSON.stringify([test.id, test.kind ?? 'required', words[symbol] ?? symbol]))
}
process.exit(0)
