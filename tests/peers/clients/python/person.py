"""Plays the person for a client library in another language, and prints the address the app is sent back to.

    person.py READY_FILE USERNAME REDIRECT ADDRESS
"""

import sys

from check import Demo
from launch import sign_in

if __name__ == "__main__":
    demo = Demo(sys.argv[1])
    print(sign_in(sys.argv[4], sys.argv[3], demo.user(sys.argv[2])))
