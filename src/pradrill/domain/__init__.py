"""What a drill is. No I/O and no clock: everything here can be tested on a desk."""
