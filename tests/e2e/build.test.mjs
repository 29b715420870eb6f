/*
 * What the build promises of its two binaries: hardening in the release, sanitizers in the
 * debug one; and of the two files a newcomer and a CI machine begin with.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const release = process.env.SALLYPORT_RELEASE_BIN;
const debug = process.env.SALLYPORT_BIN;

function read(command, ...args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  assert.equal(status, 0, `${command} ${args.join(' ')}`);
  return stdout;
}

test('the release is position independent, with full RELRO and no executable stack', () => {
  const headers = read('readelf', '-hldW', release);
  assert.match(headers, /Type:\s+DYN/);
  assert.match(headers, /GNU_RELRO/);
  assert.match(headers, /BIND_NOW/);
  assert.match(headers, /GNU_STACK.* RW /);
});

test('the release has stack protectors and fortified calls', () => {
  const symbols = read('readelf', '--dyn-syms', '-W', release);
  assert.match(symbols, /__stack_chk_fail/);
  assert.match(symbols, /__(memcpy|snprintf|vsnprintf)_chk/);
});

test('the release marks where it may be branched to (CET)', { skip: process.arch === 'x64' ? false : 'x86 only' }, () => {
  assert.match(read('objdump', '-d', '--disassemble=main', release), /endbr64/);
});

test('the debug build runs under both sanitizers', () => {
  const symbols = read('readelf', '-sW', debug);
  assert.match(symbols, /__asan_init/);
  assert.match(symbols, /__ubsan_handle/);
});

test('CI runs the test command of the README and nothing else; the README is short', () => {
  const lines = readFileSync('.ci/run', 'utf8').split('\n').filter((line) => line && !line.startsWith('#'));
  assert.equal(lines.filter((line) => /\.\/dev\b/.test(line)).length, 1);
  assert.match(lines.at(-1), /\.\/dev test$/);
  const readme = readFileSync('README.md', 'utf8');
  assert.ok(readme.split('\n').length < 150);
  assert.ok(readme.includes('./dev demo') && readme.includes('./dev test'));
});
