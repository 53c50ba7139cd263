# Letters to people. Of each: its subject, what it says, what its link is called, and what holds for it.

greeting = Hello,
ignore = If you did not ask for this, you can ignore this letter: nothing has changed.
alarm = If this was not you, set a new password at once and tell whoever looks after your account.
automatic = This letter was sent automatically. Nobody reads answers to it.
address = If the button does not work, copy this address into your browser:

sign-in-subject = Your link to sign in
sign-in-body = Use this link to sign in. It works once, for { $minutes } minutes, and only in the browser in which you asked for it.
sign-in-action = Sign in

password-subject = Your link to set a password
password-body = Use this link to choose a new password. It works once, for { $minutes } minutes.
password-action = Set a password

password-changed-subject = Your password was changed
password-changed-body = The password of your account was changed, and you were signed out everywhere.

factor-added-subject = A way to prove who you are was added
factor-added-body = { $factor ->
    [codes] From now on you are asked for a code of an authenticator when you sign in with your password.
    [provider] An account at another provider was added to yours. Whoever has it can sign in as you.
   *[passkey] A passkey was added to your account. Whoever has it can sign in as you.
}

factor-removed-subject = A way to prove who you are was removed
factor-removed-body = { $factor ->
    [codes] You are no longer asked for codes of an authenticator when you sign in.
    [passkey] A passkey was removed from your account.
    [provider] An account at another provider was removed from yours.
   *[all] The codes, passkeys and accounts at other providers were removed from your account by whoever looks after it.
}

impersonated-subject = Somebody acts as you
impersonated-body = Somebody who looks after accounts has begun to act as you, for ten minutes. Who it is, and why, is in the list of your sessions meanwhile.
