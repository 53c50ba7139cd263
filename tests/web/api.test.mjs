import './globals.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemOf, randomKey, tokenFromHash } from '../../web/api.js';

test('the token leaves the address, the rest stays', () => {
  const cases = [['', null, ''], ['#', null, ''], ['#token=abc', 'abc', ''], ['#token=a%2Bb', 'a+b', ''], ['#watch=ast_1&token=abc', 'abc', '#watch=ast_1'],
    ['#watch=ast_1', null, '#watch=ast_1'], ['#token=', null, ''], ['#token=%', null, '']];
  for (const [hash, token, rest] of cases) assert.deepEqual(tokenFromHash(hash), [token, rest], hash);
});

test('a refusal keeps the words of the server, and what is no problem gets some', () => {
  const problem = problemOf(422, '{"title":"Invalid","detail":"bad","code":"body.invalid","errors":[{"pointer":"/size","code":"upload.empty","detail":"no bytes","hint":"pick another"}]}');
  assert.deepEqual([problem.status, problem.code, problem.message, problem.hint], [422, 'upload.empty', 'no bytes', 'pick another']);
  const page = problemOf(502, '<html>');
  assert.deepEqual([page.code, page.retryable], ['http.502', true]);
  assert.match(page.message, /502/);
});

test('keys do not repeat', () => {
  const keys = new Set(Array.from({ length: 1000 }, randomKey));
  assert.equal(keys.size, 1000);
  assert.match([...keys][0], /^[0-9a-f]{32}$/);
});
