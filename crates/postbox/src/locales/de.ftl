# Briefe an Menschen. Zu jedem: Betreff, was er sagt, wie sein Link heißt, und was für ihn gilt.

greeting = Guten Tag,
ignore = Wenn Sie das nicht angefordert haben, müssen Sie nichts tun: Es hat sich nichts geändert.
alarm = Wenn Sie das nicht waren, setzen Sie sofort ein neues Passwort und benachrichtigen Sie, wer Ihr Konto betreut.
automatic = Dieser Brief wurde automatisch verschickt. Antworten darauf liest niemand.
address = Wenn die Schaltfläche nicht funktioniert, kopieren Sie diese Adresse in Ihren Browser:

sign-in-subject = Ihr Link zum Anmelden
sign-in-body = Mit diesem Link melden Sie sich an. Er gilt einmal, { $minutes } Minuten lang, und nur in dem Browser, in dem Sie ihn angefordert haben.
sign-in-action = Anmelden

password-subject = Ihr Link für ein neues Passwort
password-body = Mit diesem Link wählen Sie ein neues Passwort. Er gilt einmal, { $minutes } Minuten lang.
password-action = Passwort setzen

password-changed-subject = Ihr Passwort wurde geändert
password-changed-body = Das Passwort Ihres Kontos wurde geändert, und Sie wurden überall abgemeldet.

factor-added-subject = Ein weiterer Nachweis wurde hinzugefügt
factor-added-body = { $factor ->
    [codes] Von nun an werden Sie beim Anmelden mit dem Passwort nach einem Code gefragt.
    [provider] Ihrem Konto wurde eines bei einem anderen Anbieter hinzugefügt. Wer das hat, kann sich als Sie anmelden.
   *[passkey] Ihrem Konto wurde ein Passkey hinzugefügt. Wer ihn hat, kann sich als Sie anmelden.
}

factor-removed-subject = Ein Nachweis wurde entfernt
factor-removed-body = { $factor ->
    [codes] Beim Anmelden werden Sie nicht mehr nach Codes gefragt.
    [passkey] Aus Ihrem Konto wurde ein Passkey entfernt.
    [provider] Von Ihrem Konto wurde eines bei einem anderen Anbieter entfernt.
   *[all] Die Codes, Passkeys und Konten bei anderen Anbietern, mit denen Sie sich anmelden, wurden von denen entfernt, die Ihr Konto betreuen.
}

impersonated-subject = Jemand handelt als Sie
impersonated-body = Jemand, der Konten betreut, handelt nun zehn Minuten lang als Sie. Wer das ist und warum, steht so lange in der Liste Ihrer Sitzungen.
