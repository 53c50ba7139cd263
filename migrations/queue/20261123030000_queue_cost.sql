-- What an attempt used, as far as it was measured: processor time of its engines and its handler, and the most memory that an
-- engine had.
ALTER TABLE job ADD COLUMN cpu_ms BIGINT NULL;
ALTER TABLE job ADD COLUMN peak_bytes BIGINT NULL;
