-- What goes into the log beside who did what: context has from where, in which session and why, changes what was before and after.
ALTER TABLE audit_transit ADD COLUMN context TEXT NULL;
ALTER TABLE audit_transit ADD COLUMN changes TEXT NULL;
