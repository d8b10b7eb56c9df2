-- What the bot holds in memory for the time that the store refuses writes is found without reading every claim.
CREATE INDEX claims_starting ON claims (give_up_at) WHERE until IS NULL;
CREATE INDEX claims_starting_latest ON claims (latest) WHERE until IS NULL;
CREATE INDEX claims_unwanted ON claims (entitlement) WHERE NOT wanted;
