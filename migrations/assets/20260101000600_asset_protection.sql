-- The protection scheme that the asset is encrypted with before it is published; none when it is published clear.
ALTER TABLE asset ADD COLUMN protection TEXT NULL;
