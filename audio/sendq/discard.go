package sendq

// Discard drops everything that waits, counted and marked as dropped for age:
// time passed that no clock counted, and nobody wants to hear it any more.
func (q *Queue) Discard() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.length > 0 {
		q.drop(&q.stats.DroppedAge)
	}
	signal(q.room)
}
