-- Players name the recording alone, and whose it is follows from that.
CREATE INDEX content_key_by_playback ON content_key (playback_id);
