-- The spans (W3C Trace Context) that a job was sent in and that finished it, when the processes of its time export traces; and
-- since when it could run, of jobs that have waited for others or were taken from a silent worker.
ALTER TABLE job ADD COLUMN traceparent TEXT NULL;
ALTER TABLE job ADD COLUMN finished_in TEXT NULL;
ALTER TABLE job ADD COLUMN ready_ms BIGINT NULL;
