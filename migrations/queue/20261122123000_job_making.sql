-- Which making of its asset's media a job belongs to: 0 the first, then one for each renewal.
ALTER TABLE job ADD COLUMN making BIGINT NOT NULL DEFAULT 0;
