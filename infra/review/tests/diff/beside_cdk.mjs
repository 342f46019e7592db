// Writes the last section of infra/review/README.md: for each pair of this folder what `cdk diff` prints, beside what is to be said of it.
//
//     npm install --prefix target/bench/cdk-diff @aws-cdk/cloudformation-diff@2.187.5 yaml@2
//     node infra/review/tests/diff/beside_cdk.mjs target/bench/cdk-diff/node_modules
//
// The library is the one that `cdk diff` compares and prints with. A resource counts as missed when a sentence that is
// expected names it and CDK's output does not; a pair counts as noise when nothing is to be said and CDK prints something.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';

const require = createRequire(resolve(process.argv[2] ?? 'node_modules', 'any.js'));
const { fullDiff, formatDifferences, formatSecurityChanges } = require('@aws-cdk/cloudformation-diff');
const { parseDocument } = require('yaml');
const { version } = JSON.parse(readFileSync(join(resolve(process.argv[2]), '@aws-cdk/cloudformation-diff/package.json')));

const folder = dirname(fileURLToPath(import.meta.url));

// CloudFormation's short forms: `!Ref A` is {Ref: A}, `!GetAtt A.B` is {Fn::GetAtt: [A, B]}, any other `!X` is {Fn::X: ..}.
const names = ['Ref', 'Condition', 'And', 'Base64', 'Cidr', 'Equals', 'FindInMap', 'GetAtt', 'GetAZs', 'If', 'ImportValue',
  'Join', 'Not', 'Or', 'Select', 'Split', 'Sub', 'Transform'];
const long = (name, value) => {
  if (name === 'Ref' || name === 'Condition') return { [name]: value };
  if (name === 'GetAtt' && typeof value === 'string') return { 'Fn::GetAtt': [value.split('.')[0], value.split('.').slice(1).join('.')] };
  return { [`Fn::${name}`]: value };
};
const customTags = names.flatMap((name) => [
  { tag: `!${name}`, resolve: (text) => long(name, text) },
  { tag: `!${name}`, collection: 'seq', resolve: (node) => long(name, node.toJSON()) },
  { tag: `!${name}`, collection: 'map', resolve: (node) => long(name, node.toJSON()) },
]);
const read = (file) => parseDocument(readFileSync(file, 'utf8'), { customTags, logLevel: 'silent' }).toJS();

const printed = (before, after) => {
  const stream = new PassThrough();
  const found = fullDiff(structuredClone(before), structuredClone(after));
  formatDifferences(stream, found);
  formatSecurityChanges(stream, found);
  return (stream.read() ?? '').toString().replace(/\u001b\[[0-9;]*m/g, '');
};

const rows = [];
let missing = 0;
let noisy = 0;
for (const pair of readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort()) {
  const [before, after] = ['before.yaml', 'after.yaml'].map((file) => read(join(folder, pair, file)));
  const facts = readFileSync(join(folder, pair, 'expect.md'), 'utf8').split('\n')
    .filter((line) => line.startsWith('- ') && !line.startsWith('- changes') && line !== '- nothing')
    .map((line) => line.slice(2).split(' | '));
  const ids = new Set([...Object.keys(before.Resources ?? {}), ...Object.keys(after.Resources ?? {})]);
  let output;
  try {
    output = printed(before, after);
  } catch (error) {
    output = undefined;
  }
  const words = (text) => new Set(text.split(/[^A-Za-z0-9]+/));
  const said = words(output ?? '');
  const named = new Set(facts.flatMap(([, , ...sentence]) => [...words(sentence.join(' '))].filter((word) => ids.has(word))));
  const missed = [...named].filter((id) => !said.has(id)).sort();
  const lines = (output ?? '').split('\n').filter((line) => line.trim() !== '').length;
  const noise = facts.length === 0 && lines > 0;
  missing += missed.length > 0 ? 1 : 0;
  noisy += noise ? 1 : 0;
  const ours = facts.length === 0 ? 'nothing' : facts.map(([risk, id]) => `${risk}: ${id}`).join('; ');
  const theirs = output === undefined ? 'fails' : lines === 0 ? 'nothing' : `${lines} lines`;
  const verdict = [missed.length > 0 ? `misses ${missed.join(', ')}` : '', noise ? 'noise' : ''].filter(Boolean).join('; ');
  rows.push(`| ${pair} | ${ours} | ${theirs} | ${verdict} |`);
}

// Everything before this heading is written by people.
const readme = join(folder, '../../README.md');
const before = readFileSync(readme, 'utf8').split('## Beside `cdk diff`')[0];
writeFileSync(readme, before + `## Beside \`cdk diff\`

Each pair of [\`tests/diff\`](tests/diff/README.md), with the facts that are told of it (written by hand from AWS's
documentation, and tested) and what \`@aws-cdk/cloudformation-diff\` ${version}, by which \`cdk diff\` compares and prints, says
of it. *Misses* names resources that a fact is about and CDK's output does not mention at all; *noise* is output about a pair
that changes nothing. That a resource is mentioned does not mean that its consequence is: those are counted for CDK here.

Of ${rows.length} pairs, CDK leaves out a resource that a reviewer has to know of in ${missing}, and prints about ${noisy} that change
nothing. The table is written by [\`tests/diff/beside_cdk.mjs\`](tests/diff/beside_cdk.mjs).

| pair | what is told | \`cdk diff\` | |
| --- | --- | --- | --- |
${rows.join('\n')}
`);
console.log(`${rows.length} pairs: ${missing} with a resource left out, ${noisy} with noise`);
