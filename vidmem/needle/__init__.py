"""Needle in a video haystack (MM-NIAVH, of arXiv 2409.01071): one odd second in a long video, and is it found?

    plan      which lengths and depths        needles   the odd second: a written line, a picture, a clip
    haystack  the video, made while it is read           scoring   keywords, or the rank among what is kept
    trial     every cell                      heat      the picture of all cells

The published score is another language model's judgement; here it is exact: the share of keywords in the answer.
"""
