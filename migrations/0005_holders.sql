-- Which process has a lease. On PostgreSQL each holds an advisory lock under its number as long as it lives: what a dead
-- one had leased is free at once. On SQLite the lock of the file says the same, and the number is 0.
CREATE TABLE holders (
    id BIGINT PRIMARY KEY
);
ALTER TABLE entitlements ADD COLUMN holder BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN holder BIGINT NOT NULL DEFAULT 0;
