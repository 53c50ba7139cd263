"""What Schemathesis does not know by itself."""

import schemathesis

# Pieces of uploads by tus are bytes as any others.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
# What SCIM says is JSON.
schemathesis.serializer.alias("application/scim+json", "application/json")
# A table is text.
schemathesis.serializer.alias("text/csv", "text/plain")
