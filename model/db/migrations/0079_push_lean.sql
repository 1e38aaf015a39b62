-- A copy's row moves twice while it is sent, and a place's once: what is in an index for
-- the moving columns is written each time. A member's copies are few, so they are found by
-- the member alone; nothing looks for places by brand.
CREATE INDEX push_delivery_who ON push_delivery (member_id);
DROP INDEX push_delivery_member{{of push_delivery}};
DROP INDEX reach_ticket_brand{{of reach_ticket}};
