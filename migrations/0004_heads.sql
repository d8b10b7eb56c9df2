-- Heads of queues and of providers are found by index, however many rows wait behind them.
DROP INDEX entitlements_due;
CREATE INDEX entitlements_due ON entitlements (provider, urgent, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX tasks_queue ON tasks (queue, due_at, kind, id) WHERE due_at IS NOT NULL;
CREATE INDEX tasks_leased ON tasks (queue, leased_until) WHERE leased_until > 0;
