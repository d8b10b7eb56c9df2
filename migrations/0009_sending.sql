-- What was about to be sent when a process died, or when a chat's answer was lost: the nonce of a card, and of what tells an
-- event. Only for chats that do not recognise a repeated nonce by themselves.
ALTER TABLE posts ADD COLUMN sending TEXT;
ALTER TABLE posts ADD COLUMN telling TEXT;
