package sendq

// Restart begins anew on another stream: the one before broke, and of what it
// carried the peer took what it acknowledges with acked, the newest sequence it
// has, or 0. The rest counts as dropped and is marked on the next frame that
// leaves, as is what waits and is too old by then. The peer is one that
// acknowledges. Sequences and statistics go on.
//
// Whoever popped for the broken stream must have ended, or a frame that it pops
// later is lost without a mark.
func (q *Queue) Restart(acked uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.land(acked)
	if acked > q.lastAck && q.sent.forgotten(acked) {
		q.lastAck, q.ackMark = acked, false
	}
	for i := range q.sent.count {
		m := q.sent.at(i)
		q.carry = add(q.carry, uint64(m.dropped)+1)
		q.broken = m.sequence
	}
	q.stats.DroppedRestart += uint64(q.sent.count)
	q.sent.forget(q.sent.count)
	q.acked = q.total
	q.acks, q.restarted, q.silent = true, true, q.ackMark
	q.wake()
}
