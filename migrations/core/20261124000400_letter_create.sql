-- Letters to people that wait to be sent: what each tells (vars, of the template), to whom, and in which language. state is pending,
-- sending or failed; what was sent is gone. attempt is the fencing token and only grows. next_ms is when it is tried again, and of one that
-- is being sent when that claim ends. link is followed by secret, which is wrapped where is_wrapped says so. until_ms is when it is of no
-- use any more.
CREATE TABLE letter (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    template TEXT NOT NULL,
    locale TEXT NOT NULL,
    recipient TEXT NOT NULL,
    vars JSONB NOT NULL,
    link TEXT NULL,
    secret BYTEA NULL,
    is_wrapped BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    error TEXT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX letter_due ON letter (next_ms, id) WHERE state IN ('pending', 'sending');
CREATE INDEX letter_given_up ON letter (updated_ms, id) WHERE state = 'failed';
