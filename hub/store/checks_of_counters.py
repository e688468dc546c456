"""The ledger's invariants of what is counted over periods, as in `checks`.

An event keeps what it counted of each counter and what that stood at before. So the events of a counter are the steps
of one walk from nothing to where it stands: as many steps end at an amount as begin there. Whoever changes what one
event says leaves an end that no other begins at, and the points of the sales follow from what they say (`sale`).
"""

from __future__ import annotations

_OWN = "partner_id || '/' || event_id"
_STEPS = """
    SELECT event.partner_id, event_id, counted.name, counted.minor::bigint AS minor,
           (details->'stood'->>counted.name)::bigint AS stood,
           CASE WHEN strpos(counted.name, '/household/') > 0 THEN 0 ELSE event.member_id END AS member_id
    FROM hub.event AS event CROSS JOIN LATERAL jsonb_each_text(details->'counted') AS counted (name, minor)
    WHERE details ? 'counted'
"""

CHECKS_OF_COUNTERS: dict[str, str] = {
    "what is counted over purchases is what their events counted": """
        SELECT 'counter ' || partner_id || ' ' || name,
               'is ' || coalesce(stands, 0) || ', its events say ' || coalesce(said, 0)
        FROM (SELECT partner_id, name, sum(amount) AS stands FROM hub.counter GROUP BY 1, 2) AS counter
        FULL JOIN (
            SELECT partner_id, counted.name, sum(counted.minor::bigint) AS said
            FROM hub.event CROSS JOIN LATERAL jsonb_each_text(details->'counted') AS counted (name, minor)
            WHERE details ? 'counted' GROUP BY 1, 2
        ) AS events USING (partner_id, name)
        WHERE coalesce(stands, 0) <> coalesce(said, 0)
    """,
    "what is counted over purchases was counted one after the other, each from where the one before had come to": f"""
        WITH step AS ({_STEPS}),
        merger AS (
            SELECT member_id FROM hub.event WHERE kind = 'merge'
            UNION SELECT (details->>'into')::bigint FROM hub.event WHERE kind = 'merge'
        ), edge AS (
            SELECT partner_id, member_id, name, stood AS amount, 1 AS begins FROM step
            UNION ALL SELECT partner_id, member_id, name, stood + minor, -1 FROM step
            UNION ALL SELECT DISTINCT partner_id, member_id, name, 0, -1 FROM step
            UNION ALL SELECT partner_id, member_id, name, amount, 1 FROM hub.counter
        )
        SELECT 'counter ' || partner_id || ' ' || name || ' of member ' || member_id,
               coalesce(sum(begins), 0) || ' more events begin at ' || coalesce(amount::text, 'nothing')
               || ' than come to it'
        FROM edge WHERE member_id NOT IN (SELECT member_id FROM merger)
          AND (partner_id, member_id, name) IN (SELECT partner_id, member_id, name FROM step)
        GROUP BY partner_id, member_id, name, amount HAVING amount IS NULL OR sum(begins) <> 0
    """,
    "each sale was given what its counters stood at": f"""
        SELECT 'event ' || {_OWN}, 'was given ' || spent.minor || ' for ' || spent.name || ', which stood elsewhere'
        FROM hub.event AS event CROSS JOIN LATERAL jsonb_each_text(details->'sale'->'spent') AS spent (name, minor)
        WHERE details ? 'counted' AND NOT details ? 'represents' AND NOT EXISTS (
            SELECT FROM jsonb_each_text(details->'stood') AS stood (name, minor)
            WHERE starts_with(stood.name, 'cap/' || spent.name || '/')
              AND greatest(0, stood.minor::bigint) = spent.minor::bigint)
    """,
    "each sale in a foreign currency was converted at the rate of its day": """
        SELECT 'event ' || event.partner_id || '/' || event_id, 'was converted by ' || said::text
        FROM hub.event AS event CROSS JOIN LATERAL (SELECT details->'sale'->'foreign' AS said) AS own
        LEFT JOIN hub.rate AS rate ON rate.partner_id = event.partner_id AND rate.kind = 'currency'
                                  AND rate.version = (said->>'version')::integer
        WHERE said IS NOT NULL
          AND (rate.terms || jsonb_build_object('version', rate.version) IS DISTINCT FROM said
               OR rate.currency <> event.currency OR rate.valid_from > (occurred_at AT TIME ZONE 'UTC')::date)
    """,
    "each bonus was given when so much was spent for it": f"""
        SELECT 'event ' || bonus.partner_id || '/' || bonus.event_id,
               'asks for ' || bonus.amount_minor || ', spent was ' || coalesce(stood + minor, 0)
        FROM hub.event AS bonus
        LEFT JOIN ({_STEPS}) AS step
          ON step.partner_id = bonus.partner_id AND step.event_id = bonus.refers_to
         AND step.name = 'spend/' || (bonus.details->>'bonus') || '/' || (bonus.details->>'line')
        WHERE bonus.kind = 'earning' AND bonus.details ? 'bonus' AND NOT bonus.details ? 'represents'
          AND coalesce(stood + minor, 0) < bonus.amount_minor
    """,
}
