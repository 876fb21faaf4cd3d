"""An answer with everything that is drawn in the page."""

from __future__ import annotations

RICH = """# Three days in Lisbon

The plan keeps **one hill a day** and rests at noon; see the [timetable](https://example.org/timetable).

| Day | Morning | Cost |
|:----|:--------|-----:|
| One | Tram 15E to Belém | €12.40 |
| Two | The castle, early | €15.00 |

- [x] Book the hotel
- [ ] Ask about the lift

The fare is $f = 3.25 + 0.47\\,d$, and in full

$$
f(d) = \\begin{cases} 3.25 + 0.47\\,d & d \\le 20 \\\\ 12.65 + 0.61\\,(d - 20) & d > 20 \\end{cases}
$$

```python
def total_minutes(stops: list[int]) -> int:
    # the last stop is where you get off
    return sum(stops[:-1])
```

```mermaid
flowchart LR
  Hotel --> Tram[Tram 15E] --> Belem[Belém]
  Belem --> Ferry{Windy?}
  Ferry -- no --> Cacilhas
  Ferry -- yes --> Hotel
```

> The light over the river is best in the last hour of the day.
"""
