"""The page for interactive tracking: click, see, track, correct. `vidmem demo` opens it; docs/page.md tells of it.

Read work.py first: all that a person made on the page is one frozen value, and each thing they do is a function from
one to the next. Around it lies the rim: shelf.py keeps masks on disk, job.py follows in a thread of its own, desk.py
holds what belongs to one person, desks.py all of them within limits.py. verbs.py is the table of all that a browser may
ask; page.py puts it before Gradio, assets/ is what runs in the browser.
"""
