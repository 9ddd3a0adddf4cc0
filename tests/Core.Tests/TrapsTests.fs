module Core.Tests.TrapsTests
