-- What somebody has open, and what is open at a resource, is found without reading what is over.
CREATE INDEX requests_requester_open ON requests (requester, opened_at) WHERE open;
CREATE INDEX requests_subject_open ON requests (subject, opened_at) WHERE open;
CREATE INDEX requests_resource_open ON requests (resource, opened_at) WHERE open;
