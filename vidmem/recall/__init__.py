"""The recall task: films of many scenes in which three objects each appear once, and questions about them at the end.

Which object was in that corner, where was the red disc, what came second: nothing in the last scene tells, so who
answers must remember. `world` draws, `student` sees, remembers and answers, `lessons` teaches, `exam` scores.
"""
