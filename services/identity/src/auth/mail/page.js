
'use strict';
const token = location.hash.slice(1);
// Neither the history nor a bookmark keeps it.
history.replaceState(null, '', location.pathname);
const part = (id) => document.getElementById(id);
const tell = (text) => { part('told').textContent = text; };
const kinds = {
  lm_: ['Sign in', 'Press the button to sign in in this browser.', 'Sign in'],
  lp_: ['Set a password', 'Choose a new password. You will be signed out everywhere.', 'Set the password'],
};
const kind = token.slice(0, 3);
let codeToken = null;

async function post(path, body) {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await answer.text();
  const value = text === '' ? {} : JSON.parse(text);
  if (!answer.ok) throw new Error(`${value.detail}: ${value.hint}.`);
  return value;
}

async function signIn() {
  const value = codeToken === null
    ? await post('/api/v1/auth/sessions/link', { token })
    : await post('/api/v1/auth/sessions/code', { code_token: codeToken, code: part('code').value });
  if (value.code_token !== undefined) {
    codeToken = value.code_token;
    part('code-part').hidden = false;
    part('code').focus();
    tell('A code is needed besides.');
    return;
  }
  location.replace(`/#token=${encodeURIComponent(value.access_token)}`);
}

async function setPassword() {
  await post('/api/v1/auth/password', { token, password: part('password').value });
  part('form').hidden = true;
  tell('The password is set. Sign in with it.');
}

part('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  part('go').disabled = true;
  try {
    await (kind === 'lm_' ? signIn() : setPassword());
  } catch (error) {
    tell(error.message);
  }
  part('go').disabled = false;
});

if (kinds[kind] === undefined) {
  tell('This is no link that leads anywhere. Open the whole link of the letter.');
} else {
  const [title, text, label] = kinds[kind];
  document.title = title;
  part('title').textContent = title;
  part('go').textContent = label;
  part('password-part').hidden = kind !== 'lp_';
  part('form').hidden = false;
  tell(text);
}
