"""What is wrong with what an organisation wrote, found in one place and said in one sentence."""
