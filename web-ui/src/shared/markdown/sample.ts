/** An answer with everything that Markdown here knows: for tests, measurements and a look at the page. */
export const SAMPLE = `# Three days in Lisbon

Your mother walks slowly, so I kept **every day to one hill**, with a tram up and a *gentle* way down. Times are from the [timetable](https://www.carris.pt/en/travel/timetables/ "Carris"), ~~the old one~~ the one valid since October.

## Day one: the river

1. **Morning**, before it is hot:
   - Tram 15E from Praça da Figueira
   - The monastery of Jerónimos, with \`pre-booked\` tickets
2. **Noon**: lunch in Belém, then rest
3. **Evening**: the ferry to Cacilhas and back

> The light over the river is best in the last hour of the day.
>
> - Bring a scarf: it is windy
> - Sit on the left

- [x] Book the hotel near Baixa
- [ ] Ask about the lift
- [ ] Pack \`SPF 50\`

### What it costs

| Thing | Each | People | Total |
|:------|-----:|:------:|------:|
| Museum tickets | €12.00 | 2 | €24.00 |
| Tram, 24 hours | €6.80 | 2 | €13.60 |
| Dinner with *fado* | €38.50 | 2 | €77.00 |
| **Sum** | | | **€114.60** |

A taxi costs between $5 and $10, and the formula for the fare is $f = 3.25 + 0.47\\,d$ where $d$ is the distance. In full:

$$
f(d) = \\begin{cases} 3.25 + 0.47\\,d & d \\le 20 \\\\ 3.25 + 9.4 + 0.61\\,(d - 20) & d > 20 \\end{cases}
$$

With \\(\\sigma^2\\) as the variance of the waiting time, \\[ \\mathbb{E}[W] = \\frac{1}{2\\lambda}\\left(1 + \\lambda^2\\sigma^2\\right) \\] is what to expect at the stop.

### A small program

\`\`\`python
from dataclasses import dataclass


@dataclass(frozen=True)
class Stop:
    """A place where the tram halts."""

    name: str
    minutes: int = 0


def total_minutes(stops: list[Stop]) -> int:
    # the last stop is where you get off, whatever the timetable says about the minutes after it
    return sum(stop.minutes for stop in stops[:-1])


print(f"{total_minutes([Stop('Figueira', 4), Stop('Belém')])} minutes")
\`\`\`

\`\`\`mermaid
flowchart LR
  Hotel --> Tram[Tram 15E] --> Belem[Belém]
  Belem --> Ferry{Windy?}
  Ferry -- no --> Cacilhas
  Ferry -- yes --> Hotel
\`\`\`

#### Pictures and notes

Here is the view: ![the river at dusk](https://example.org/river.jpg). More in the [guide][guide], or at https://www.visitlisboa.com and by mail to info@example.org.

---

HTML is text here: <b onclick="alert(1)">bold?</b>, AT&amp;T, 1 &lt; 2, a line<br>break, \\*stars\\*, snake_case_names and \`inline <code>\`.

[guide]: https://example.org/guide?a=1&b=2 "A guide"
`;
