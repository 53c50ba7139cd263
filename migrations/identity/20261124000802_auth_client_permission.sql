-- What a client may in its own name, where it may come to tokens so: a list of permissions.
ALTER TABLE oauth_client ADD COLUMN permissions JSONB NULL;
